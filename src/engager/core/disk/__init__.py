"""Files and folders: written whole, locked, kept between runs, named when they cannot be written."""
