"""What costs money: sampling, scoring, grading. Each asks the store what is missing."""
