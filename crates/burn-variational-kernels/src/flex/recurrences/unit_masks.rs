//! The masks on what a step computes, unit by unit.

use burn::backend::Flex;

use crate::flex::numbers::Real;
use crate::flex::products::{Mask, mask};
use crate::flex::sharing::Tile;
use crate::operands::UnitMasks as Operands;

/// The masks of all steps, where there is one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnitMasks<'a, T> {
    cell: Option<Mask<'a, T>>,
    candidate: Option<Mask<'a, T>>,
    hidden: Option<Mask<'a, T>>,
    hidden_zoneout: Option<Mask<'a, T>>,
    cell_zoneout: Option<Mask<'a, T>>,
}

/// The masks of some units of one row of a step: chosen once a row, they cost nothing where there
/// is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfRow<'a, T> {
    pub(crate) cell: Option<&'a [T]>,
    pub(crate) candidate: Option<&'a [T]>,
    pub(crate) hidden: Option<&'a [T]>,
    pub(crate) hidden_zoneout: Option<&'a [T]>,
    pub(crate) cell_zoneout: Option<&'a [T]>,
}

impl<'a, T: Real> UnitMasks<'a, T> {
    /// The values of contiguous masks.
    pub(crate) fn new(masks: &'a Operands<Flex>) -> Self {
        Self {
            cell: mask(&masks.cell),
            candidate: mask(&masks.candidate),
            hidden: mask(&masks.hidden),
            hidden_zoneout: mask(&masks.hidden_zoneout),
            cell_zoneout: mask(&masks.cell_zoneout),
        }
    }

    /// Those of the units of a tile in row `row` of step `t`.
    #[inline(always)]
    pub(crate) fn at(&self, t: usize, row: usize, tile: Tile<'_>) -> OfRow<'a, T> {
        let at = |mask: Mask<'a, T>| mask.at(tile.sizes.steps, (t, row), tile.units);
        OfRow {
            cell: self.cell.map(at),
            candidate: self.candidate.map(at),
            hidden: self.hidden.map(at),
            hidden_zoneout: self.hidden_zoneout.map(at),
            cell_zoneout: self.cell_zoneout.map(at),
        }
    }

    /// Whether a hidden state is carried on beside what a step computes.
    pub(crate) fn zones_out_hidden(&self) -> bool {
        self.hidden_zoneout.is_some()
    }
}
