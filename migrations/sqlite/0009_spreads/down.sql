-- Takes it away again; what has not been queued by then is told to nobody.
DROP TABLE spreads;
