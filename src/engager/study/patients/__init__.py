"""What is made of single patients: a band of many, regimens and data of one's own, a timeline told in words."""
