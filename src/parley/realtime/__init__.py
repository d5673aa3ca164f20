"""The OpenAI Realtime protocol (GA names) as values: client events in, server events out. No I/O."""
