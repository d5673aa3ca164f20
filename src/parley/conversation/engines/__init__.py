"""What answers: recogniser + language model + voice, a language model that hears, or a duplex model."""
