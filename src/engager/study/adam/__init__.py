"""A run as CDISC ADaM; `export` is the way in, each other module makes a dataset or a part of one."""
