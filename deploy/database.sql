-- The role and the schema that a server's data is in, and no right beyond them; run once as the superuser, by psql, in the
-- database `twofold`. compose.yaml has the image of PostgreSQL do it at its first start.

\set password `cat /run/secrets/database-password`
CREATE ROLE twofold LOGIN PASSWORD :'password';
REVOKE ALL ON DATABASE twofold FROM PUBLIC;
GRANT CONNECT ON DATABASE twofold TO twofold;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA twofold AUTHORIZATION twofold;
ALTER ROLE twofold SET search_path = twofold;
