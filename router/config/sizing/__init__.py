"""Models and cards, from files to the values of `core.sizing`.

    fields         values of a `config.json`, each of the right type or a problem that says what would be right
    families       what a `config.json` leaves to those who know the model's kind
    model_config   a `config.json` -> a shape, or every problem of it
    quantized      what it says of how its weights were made smaller
    catalogue      models.yaml, cards.yaml and vllm.yaml beside it: figures, each with its source and date
    sizing         a model on cards: all that `breakeven size` says of it
    article        the article's table, corrected
    api_price      what an API asks, by the price list
    as_json        what was found, as one JSON object
    advice         what a policy asks of the cards that it names, and they do not have

Nothing is fetched.
"""
