-- What a signed transaction spends is found by outpoint alone. Its rows go by the list that `issued` has, so no second
-- index has to be written with every signature.

CREATE TABLE spent_by_issued (
    wallet BLOB NOT NULL,
    outpoint BLOB NOT NULL,
    txid BLOB NOT NULL,
    PRIMARY KEY (wallet, outpoint, txid)
) STRICT, WITHOUT ROWID;
INSERT INTO spent_by_issued SELECT wallet, outpoint, txid FROM issued_outpoints ORDER BY wallet, outpoint, txid;
DROP TABLE issued_outpoints;
