"""What is answered: responses, from the wish for one to the last word heard of it."""
