"""One module for each client, with the table of its calls: `known` lists all that the client can do, `run` makes the calls."""
