# Sourced by what changes a copy of the tree: makes `$scratch`, gone at the end, and the copy in `$copy`.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
copy=$scratch/tree
mkdir "$copy"
# Newer (-m) than what a kept target folder holds of an earlier copy: cargo would take the last change in it for ours.
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
  tar -c --null -T - | tar -x -m -C "$copy"

# What only the server's tests and the benchmarks need would be built anew for every change.
sed -i -E '/^(axum|divan|reflector-aws|reflector-server|reflector-whereby|reqwest|secrecy|tracing|tracing-subscriber|url)\.workspace/d' \
  "$copy/tests/Cargo.toml"
