//! What memory this process takes: the system's own figure, where it tells.

/// Resident memory of this process in bytes, without its children; `None` where the system does not tell it in `/proc`.
pub(crate) fn resident_bytes() -> Option<u64> {
    read_resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn read_resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_line_of_the_resident_set() {
        let status = "Name:\tupnext\nVmPeak:\t  900 kB\nVmRSS:\t   12345 kB\nThreads:\t4\n";
        assert_eq!(read_resident(status), Some(12345 * 1024));
        assert_eq!(read_resident("Name:\tupnext\n"), None, "a kernel thread has no such line");
        assert_eq!(read_resident("VmRSS:\t many kB\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_takes_some() {
        let before = resident_bytes().expect("Linux tells");
        let held = std::hint::black_box(vec![1_u8; 64 << 20]);
        let after = resident_bytes().expect("Linux tells");
        assert!(after > before + (32 << 20), "{before} bytes before 64 MiB were taken, {after} bytes after");
        drop(held);
    }
}
