#!/usr/bin/env bash
# Prints the Go files of the repository that people write or that are committed, one per line: tracked ones and new ones,
# not what .gitignore hides.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
git ls-files --cached --others --exclude-standard -- '*.go' | while IFS= read -r file; do
	# A file that was removed and not yet committed is still listed.
	if [ -f "$file" ]; then echo "$file"; fi
done
