"""Exercise 08: six bugs of public code, written anew; each has a failing input and a repair."""
