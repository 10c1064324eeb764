"""From a `System` to straight-line code: expressions, sparse linear algebra, schedule of a step."""
