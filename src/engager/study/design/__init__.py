"""What a trial design would do; `judge` is the way in, each other module is a step of it."""
