-- Whose device an invitation makes: that of the wallet's user, or where none is named of a new one.
ALTER TABLE invitations ADD COLUMN wallet BLOB;
