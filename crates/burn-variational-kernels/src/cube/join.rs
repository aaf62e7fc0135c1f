//! Tensors one after the other in one.

use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::tensors::room;

/// How many a launch takes: with what they are joined in, as many as every device binds.
const AT_ONCE: usize = 6;

/// Contiguous tensors of rows as wide as this, one after the other.
pub(super) fn joined(parts: &[CubeTensor], width: usize) -> CubeTensor {
    let n = |part: &CubeTensor| part.meta.num_elements();
    let joined = room([parts.iter().map(n).sum::<usize>() / width, width], &parts[0]);
    let mut first = 0;
    for parts in parts.chunks(AT_ONCE) {
        let mut ends = [0; AT_ONCE];
        let mut len = 0;
        for (k, end) in ends.iter_mut().enumerate() {
            len += parts.get(k).map_or(0, n);
            *end = len;
        }
        // Something has to be bound where there are fewer.
        let part = |k: usize| parts.get(k).unwrap_or(&parts[0]).clone().into_buffer_arg();
        let dim = CubeDim::new(&joined.client, len);
        // SAFETY: a unit reads the part that its number falls in, and writes what is its own in the
        // elements of these parts.
        unsafe {
            join::launch_unchecked(
                &joined.client,
                calculate_cube_count_elemwise(&joined.client, len, dim),
                dim,
                part(0),
                part(1),
                part(2),
                part(3),
                part(4),
                part(5),
                joined.clone().into_buffer_arg(),
                EndsLaunch::new(ends[0], ends[1], ends[2], ends[3], ends[4], ends[5]),
                first,
                dtype_to_storage_type(joined.dtype),
            );
        }
        first += len;
    }
    joined
}

/// Where parts end.
#[derive(CubeType, CubeLaunch)]
struct Ends {
    a: usize,
    b: usize,
    c: usize,
    d: usize,
    e: usize,
    f: usize,
}

#[cube(launch_unchecked)]
fn join<F: Float>(
    a: &[F],
    b: &[F],
    c: &[F],
    d: &[F],
    e: &[F],
    f: &[F],
    joined: &mut [F],
    ends: &Ends,
    first: usize,
    #[define(F)] _dtype: ElemType,
) {
    let at = ABSOLUTE_POS;
    if at >= ends.f {
        terminate!();
    }
    if at < ends.a {
        joined[first + at] = a[at];
    } else if at < ends.b {
        joined[first + at] = b[at - ends.a];
    } else if at < ends.c {
        joined[first + at] = c[at - ends.b];
    } else if at < ends.d {
        joined[first + at] = d[at - ends.c];
    } else if at < ends.e {
        joined[first + at] = e[at - ends.d];
    } else {
        joined[first + at] = f[at - ends.e];
    }
}
