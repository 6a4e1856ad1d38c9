"""What every package of the hub stands on: settings, database, ids, clock, crypto, log, web."""
