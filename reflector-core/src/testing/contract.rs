//! Reading the contracts of the ports, so that suites and contracts cannot drift apart.

/// The names in the numbered sentences of a contract: "/// 3. `a_name`: more about it".
pub(crate) fn sentences(source: &str) -> Vec<&str> {
    let contract = source.split("/// # Contract").nth(1).expect("the port has a contract");
    let contract = contract.split("#[async_trait]").next().unwrap();
    let numbered = |line: &str| line.strip_prefix("/// ")?.chars().next()?.is_ascii_digit().then_some(());
    contract
        .lines()
        .filter(|line| numbered(line).is_some())
        .map(|line| line.split('`').nth(1).expect("a sentence begins with its name"))
        .collect()
}
