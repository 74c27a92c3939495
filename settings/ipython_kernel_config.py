"""IPython reads this in every kernel of the environment that the lab is installed in.

The extension tells Jupyter how the lab's objects are shown. Should it fail to load, IPython logs that on the
server's terminal and the kernel works all the same; nothing appears in a cell.
"""

import logging

c = get_config()  # noqa: F821  (IPython provides it)
c.InteractiveShellApp.extensions.append("labkit.view.kernel")

# Each kernel would warn the learner's terminal that it speaks to the server unencrypted. Both are on 127.0.0.1.
logging.getLogger("IPKernelApp").addFilter(lambda record: "without encryption" not in str(record.msg))
