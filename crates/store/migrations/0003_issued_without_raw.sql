-- What a transaction spends and what it is called is all that is asked of one that signatures were given out for.
ALTER TABLE issued DROP COLUMN raw;
