"""What the pages' scripts ask for, as JSON; all of it by `study`."""
