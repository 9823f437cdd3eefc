//! What an operator should mend before trusting a database with anything.

use tokio::time::timeout;

use super::{
    Settings,
    fault::PostgresFault,
    session::{ANSWER, Session},
};

/// A sentence each, empty where all is well.
const ROLE: &str = "
    SELECT told FROM (
        SELECT 1 AS at, 'the role is a superuser' AS told FROM pg_roles WHERE rolname = current_user AND rolsuper
        UNION ALL
        SELECT 2, 'the role may make roles, databases or replicas, or passes row security'
        FROM pg_roles WHERE rolname = current_user AND NOT rolsuper
             AND (rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)
        UNION ALL
        SELECT 3, 'the role belongs to ' || string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname)
        FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
        WHERE m.member = (SELECT oid FROM pg_roles WHERE rolname = current_user) HAVING count(*) > 0
        UNION ALL
        SELECT 4, 'the role owns the database ' || string_agg(quote_ident(datname), ', ' ORDER BY datname)
        FROM pg_database WHERE datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user) HAVING count(*) > 0
        UNION ALL
        SELECT 5, 'the role owns the schema ' || string_agg(quote_ident(nspname), ', ' ORDER BY nspname)
        FROM pg_namespace
        WHERE nspowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND nspname <> current_schema()
        HAVING count(*) > 0
        UNION ALL
        SELECT 6, 'the role owns tables in the schema ' || string_agg(DISTINCT quote_ident(n.nspname), ', ')
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relowner = (SELECT oid FROM pg_roles WHERE rolname = current_user)
              AND n.nspname NOT IN (current_schema(), 'pg_toast') AND n.nspname NOT LIKE 'pg\\_%temp\\_%'
        HAVING count(*) > 0
        UNION ALL
        SELECT 7, 'everybody may make tables in the schema public, where this role looks for its own'
        WHERE current_schema() = 'public' AND EXISTS (
            SELECT 1 FROM pg_namespace n, aclexplode(n.nspacl) a
            WHERE n.nspname = 'public' AND a.grantee = 0 AND a.privilege_type = 'CREATE')
        UNION ALL
        SELECT 8, 'the role may not ask where the database stands, so that nobody notices when a standby or a dump takes its ' ||
                  'place: GRANT EXECUTE ON FUNCTION pg_control_system(), pg_current_wal_lsn(), pg_walfile_name(pg_lsn)'
        WHERE NOT (has_function_privilege('pg_control_system()', 'EXECUTE')
                   AND has_function_privilege('pg_current_wal_lsn()', 'EXECUTE')
                   AND has_function_privilege('pg_walfile_name(pg_lsn)', 'EXECUTE'))
    ) found ORDER BY at";

impl Settings {
    /// What is too much of the role that the database is asked as: a sentence each. Nothing is made there for that, nor changed.
    pub async fn excess(&self) -> Result<Vec<String>, PostgresFault> {
        let session = Session::connect(&self.reached()?).await?;
        let asked = timeout(ANSWER, session.client().query(ROLE, &[])).await;
        let Ok(rows) = asked else {
            return Err(PostgresFault::Unavailable("it does not answer in time".into()));
        };
        let told = rows?.into_iter().map(|row| row.try_get(0));
        Ok(told.collect::<Result<_, _>>()?)
    }
}
