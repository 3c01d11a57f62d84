"""What vLLM serves beside OpenAI's endpoints, in the same dialect; others have some of it too.

rerank, score            texts against texts; rerank as Jina's and Cohere's
pooling, classify        what a model makes of texts that is no text
tokenize, detokenize     its tokenizer
"""
