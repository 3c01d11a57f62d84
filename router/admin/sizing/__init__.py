"""Which card a model fits, and at what price: `breakeven size` for the dashboard.

api      what browsers call
answers  what it says
"""
