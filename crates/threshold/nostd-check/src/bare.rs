//! What a freestanding module must bring: an allocator that only grows, a panic handler, an entrance.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    panic::PanicInfo,
    ptr::null_mut,
};

const HEAP: usize = 1 << 20;

/// Hands out memory from the front and never takes any back: one request is all that this module serves.
struct Bump {
    heap: UnsafeCell<[u8; HEAP]>,
    next: UnsafeCell<usize>,
}

// SAFETY: wasm32-unknown-unknown without atomics has one thread.
unsafe impl Sync for Bump {}

// SAFETY: every block lies within `heap`, is aligned, and overlaps no other, because `next` only grows.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, and no reference to either cell is ever held.
        unsafe {
            let base = self.heap.get().cast::<u8>();
            let start = (base as usize + *self.next.get()).next_multiple_of(layout.align()) - base as usize;
            let Some(end) = start.checked_add(layout.size()).filter(|end| *end <= HEAP) else {
                return null_mut();
            };
            *self.next.get() = end;
            base.add(start)
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: Bump = Bump {
    heap: UnsafeCell::new([0; HEAP]),
    next: UnsafeCell::new(0),
};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Where the host writes its request.
#[unsafe(no_mangle)]
pub extern "C" fn room(len: usize) -> *mut u8 {
    alloc::vec::Vec::with_capacity(len).leak().as_mut_ptr()
}

/// Runs the request at `at`.
///
/// # Safety
/// `at` must be what [`room`] gave for at least `len`, and filled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn run(at: *const u8, len: usize) -> i32 {
    // SAFETY: the caller's promise.
    crate::run(unsafe { core::slice::from_raw_parts(at, len) })
}
