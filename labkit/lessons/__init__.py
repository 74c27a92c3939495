"""One module per notebook: its world, recorded runs, predictions, exercises and quiz."""
