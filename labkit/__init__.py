"""A small mail Internet inside one notebook kernel: see CONTRIBUTING.md for its floors."""
