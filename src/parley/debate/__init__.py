"""Spoken debates: a room with debaters, a moderator, people, and a format that says who speaks when."""
