"""Exercise 08: bugs of public code, written anew; each has a failing input and a repair."""
