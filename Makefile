# Short names for the scripts in dev/. The first two do all set-up on a fresh Debian or Ubuntu machine
# with a Swift 6.2+ toolchain; CONTRIBUTING.md says what each one checks and how long it takes.

.PHONY: demo test lint bench soak protos binary docs

demo:     ; @dev/demo
test:     ; @dev/test
lint:     ; @dev/setup test && dev/check && swift build --build-tests
bench:    ; @dev/bench
soak:     ; @dev/soak
protos:   ; @dev/setup test && dev/protos
binary:   ; @dev/binary
docs:     ; @dev/docs
