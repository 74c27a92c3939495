"""IPython reads this in every kernel of the environment that the lab is installed in.

The extension tells Jupyter how the lab's objects are shown. Should it fail to load, IPython logs that on the
server's terminal and the kernel works all the same; nothing appears in a cell.
"""

c = get_config()  # noqa: F821  (IPython provides it)
c.InteractiveShellApp.extensions.append("labkit.view.kernel")
