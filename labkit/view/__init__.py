"""How the lab looks in Jupyter: the only home of IPython, ipywidgets, anywidget and matplotlib."""
