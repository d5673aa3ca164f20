"""The driver of a conversation: moves sound, words and time between people, models and the turn-taker."""
