.PHONY: help run test soak bench frames lint fmt bindings providers icons pictures snapshots clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

run: ## install what is missing, build, open the window on a practice lab (without a display: `labferry demo`)
	@bash .ci/practice-lab

test: ## install what is missing, run every check and every test
	@bash .ci/test

soak: ## 10,000 injected faults, 500 kills and the rest of the long runs; prints counts, seeds, losses, bytes sent again
	@bash .ci/soak

bench: ## the performance goals beside bare clients and other programs (ROWS=P4,P8 for some, WRITE=1 for docs/performance.md)
	@bash .ci/bench

frames: ## how long frames take in lists of 100,000, in Chromium (WRITE=1 for docs/performance.md) and in the real window
	@npm run --silent build --workspace ui
	@cd tests/e2e && MEASURE=1 npx playwright test frames --workers 1 --trace off
	@cargo build --quiet --locked --package labferry-desktop
	@MEASURE=1 cargo test --quiet --locked --package labferry-tests --test desktop -- frames --nocapture

lint: ## format check, clippy and the interface's type check
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --locked -- -D warnings
	@npm run --silent check --workspace ui

fmt: ## format the Rust code
	@cargo fmt --all

bindings: ## write the interface's TypeScript types anew from the wire types
	@rm -rf ui/src/bindings
	@cargo test --quiet --locked --package labferry-app --lib export_bindings

providers: ## write the table of docs/providers/README.md anew from the connectors
	@LABFERRY_WRITE_TABLE=1 cargo test --quiet --locked --package labferry-tests --test providers

icons: ## draw the icon files anew from icons/*.svg
	@bash icons/draw

pictures: ## take the pictures of docs/guide/window.md anew, in Chromium
	@npm run --silent build --workspace ui
	@cd tests/e2e && PICTURES=1 npx playwright test pictures

snapshots: ## take the small pictures anew that every screen's look is compared with, in Chromium
	@npm run --silent build --workspace ui
	@cd tests/e2e && npx playwright test screens --update-snapshots all

clean: ## remove everything that was built or installed into this folder
	@cargo clean
	@rm -rf ui/dist node_modules ui/node_modules tests/e2e/node_modules gen
