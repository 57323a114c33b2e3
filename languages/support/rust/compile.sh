# Compiles and links a Rust program: sh compile.sh ARGUMENT...

# The usual linker takes longer, and newer versions of rustc warn of gold in every program.
if [ -x /usr/bin/ld.mold ]; then
    set -- "$@" -C link-arg=-fuse-ld=mold
fi

# Level 2 makes programs that compute thirteen times as fast as level 0, and takes up to twice as long for a small one;
# level 1 takes hardly less. Overflows end the program, as they do when one learns Rust with cargo run. The type is said
# because a source may ask for a library, which cannot be run.
exec rustc --edition=2021 --crate-type=bin --crate-name=main -C opt-level=2 -C codegen-units=1 \
    -C overflow-checks=on -C strip=debuginfo "$@"
