//! What PostgreSQL itself does in a second: `pgbench` sends the statements that the store sends for a webhook, over rows
//! that are copied from the server's.

use reflector_store_postgres::{PostgresOptions, PostgresStore, statements};
use reflector_test_postgres::{Cluster, Schema};

/// How many connections `pgbench` has: as many as the store.
const CLIENTS: usize = 16;

/// A schema beside the server's, with as many meetings.
pub(crate) struct Floor {
    schema: Schema,
    values: Vec<(&'static str, String)>,
}

/// A meeting by its number: `pgbench` makes numbers, and no ids.
const ID: &str = "lpad(:n, 32, '0')::uuid";

impl Floor {
    /// Copies the meetings of a server, which must be as they are under way.
    pub(crate) async fn beside(server: &Schema, cluster: &Cluster) -> Self {
        let schema = cluster.schema();
        let url = schema.url().to_owned().into();
        let store = PostgresStore::connect(&url, PostgresOptions::default()).await.expect("it is up");
        store.migrate().await.expect("the schema is empty");
        store.close().await;
        let from = server.name();
        schema.sql(&format!(
            "INSERT INTO rooms SELECT * FROM {from}.rooms;
            INSERT INTO meetings
            SELECT lpad(n::text, 32, '0')::uuid, room_id, version, 1, 1, NULL, false, claim, provider,
                lpad(n::text, length(external_id), 'x'), lpad(n::text, length(room_name), 'x'), entries, has_history,
                document
            FROM (SELECT *, row_number() OVER () - 1 AS n FROM {from}.meetings) AS numbered;
            INSERT INTO deadlines
            SELECT lpad((row_number() OVER () - 1)::text, 32, '0')::uuid, next_at, due_at, fingerprint, open
            FROM {from}.deadlines"
        ));
        schema.sql("VACUUM ANALYZE");
        let one = |what: &str| server.sql(&format!("SELECT {what} LIMIT 1"));
        let usual = |column: &str, of: &str| {
            one(&format!(
                "{column} FROM {of} ORDER BY length(document) OFFSET (SELECT count(*) / 2 FROM {of})"
            ))
        };
        let values = vec![
            ("meetings", one("count(*) FROM meetings")),
            ("of_each", one(&format!("count(*) / {CLIENTS} FROM meetings"))),
            ("usual", usual("document", "meetings")),
            ("entry", usual("ARRAY[document]", "history")),
            ("claim", one("claim FROM meetings")),
            ("provider", one("provider FROM meetings")),
            ("external_id_length", one("length(external_id) FROM meetings")),
            ("room_name_length", one("length(room_name) FROM meetings")),
            ("begun", one("max(due_at) FROM deadlines")),
            ("fingerprint", one("fingerprint FROM deadlines")),
            ("endpoint", one("endpoint FROM deliveries")),
            ("count", "0".to_owned()),
        ];
        Self { schema, values }
    }

    /// Load and commit, over and over: how many times a second.
    pub(crate) fn load_and_commit(&self, seconds: u32) -> f64 {
        let before = self.deliveries();
        let load = statements::LOAD.replace("$1", ID);
        let script = format!("{WHICH}{load} \\gset\n{}\n;\n", commit());
        let ran = self.run(&script, seconds);
        assert_eq!(self.deliveries() - before, ran.transactions, "every commit is kept");
        ran.per_second
    }

    /// The least that a change of a meeting can be.
    pub(crate) fn one_update(&self, seconds: u32) -> f64 {
        let update =
            format!("UPDATE meetings SET version = version + 1, document = :usual WHERE id = {ID};\n");
        self.run(&format!("{WHICH}{update}"), seconds).per_second
    }

    fn run(&self, script: &str, seconds: u32) -> reflector_test_postgres::Ran {
        let clients = CLIENTS.to_string();
        let seconds = seconds.to_string();
        let mut arguments = vec!["-M", "prepared", "-c", &clients, "-j", "2", "-T", &seconds];
        let values: Vec<_> = self.values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        for value in &values {
            arguments.extend(["-D", value]);
        }
        self.schema.pgbench(script, &arguments)
    }

    fn deliveries(&self) -> u64 {
        self.schema.sql("SELECT count(*) FROM deliveries").parse().expect("it is a number")
    }
}

/// Each client has meetings of its own, as each sender has: none waits for another.
const WHICH: &str = "\\set n :client_id + 16 * random(0, :of_each - 1)
\\set count :count + 1
\\set now :begun + 1000 * :count + :client_id
\\set delivery random(1000000000000000000, 9000000000000000000)
";

/// The commit with the values that the store sends. `pgbench` would send an entry as often as it is named, and the store
/// sends it once: so its number is written out.
fn commit() -> String {
    let values = [
        ("$1", ID),
        ("$2", ":version"),
        ("$3", "1"),
        ("$4", "1"),
        ("$5", "NULL"),
        ("$6", "false"),
        ("$7", ":claim"),
        ("$8", ":provider"),
        ("$9", "lpad(:n, :external_id_length, 'x')"),
        ("$10", "lpad(:n, :room_name_length, 'x')"),
        ("$11", ":document"),
        ("$12", ":entry"),
        ("$13", ":now"),
        ("$14", ":fingerprint"),
        ("$15", "'{}'"),
        ("$16", "'{}'"),
        ("$17", "'{}'"),
        ("$18", "'{}'"),
        ("$19", "'{}'"),
        ("$20", "'{}'"),
        ("$21", "'{}'"),
        ("$22", ":provider"),
        ("$23", ":delivery"),
        ("$24", ":endpoint"),
        ("$25", ":now"),
    ];
    let once = statements::COMMIT.replace("cardinality($12::text[])", "1");
    // The longer names first: `$1` is the beginning of `$10`.
    values.iter().rev().fold(once, |text, (name, value)| text.replace(name, value))
}
