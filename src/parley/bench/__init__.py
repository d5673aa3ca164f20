"""Simulated callers that measure any server of the OpenAI Realtime protocol."""
