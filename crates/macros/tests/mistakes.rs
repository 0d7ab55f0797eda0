//! Mistakes in tasks are explained by the compiler.

#[test]
fn mistakes_in_tasks_are_explained_by_the_compiler() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
