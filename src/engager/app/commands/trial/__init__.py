"""`engager trial`: studies, their runs, and what is made of finished runs."""
