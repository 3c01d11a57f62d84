"""Recorded requests in the columns of each format, invented here."""

from __future__ import annotations

from pathlib import Path

from router.simulate.requests import RecordedRequest

AZURE = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9,396,109"
MOONCAKE = (
    '{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}\n'
    '{"timestamp": 3052, "input_length": 2287, "output_length": 316, "hash_ids": [0, 42]}\n'
)
BURSTGPT = """Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45.5,GPT-4,1087,0,1087,API log
"""
BURSTGPT_2 = """Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type
19440110.0,1722ac82,43,GPT-4,906,446,1352,Conversation log
"""
SERVEGEN = "request_id,timestamp,input_tokens,output_tokens\n0,0.5,10,20\n1,1.2,15,25\n"
CLIENTS = "t_s,client_id,input_tokens,output_tokens\n0.013,15,19639,776\n1.125,35,13,818\n"
RECORDS = (
    '{"time":"2026-05-20T09:00:00.250000Z","kind":"settled","request_id":"req-1","model":"chat","endpoint":"chat",'
    '"input_tokens":100,"output_tokens":7,"backend":"gpu","sensitivity":"internal","tags":["phi"]}\n'
)


def written(folder: Path, text: str | bytes, name: str = "trace") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def sizes(requests: list[RecordedRequest]) -> list[tuple[float, int, int]]:
    return [(each.at, each.input, each.output) for each in requests]
