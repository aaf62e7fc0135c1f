//! Tensors read back to the host, once, and checked there.

use burn::tensor::{Int, Tensor};

use super::CalibrationError;

/// The values of a tensor as `f64`, row-major, with its dims.
pub(super) struct ReadBack {
    what: &'static str,
    pub(super) dims: Vec<usize>,
    pub(super) values: Vec<f64>,
}

impl ReadBack {
    /// Of any values.
    pub(super) fn any<const D: usize>(
        what: &'static str,
        tensor: &Tensor<D>,
    ) -> Result<Self, CalibrationError> {
        let values: Vec<f64> = tensor.to_data().iter::<f64>().collect();
        if values.is_empty() {
            return Err(CalibrationError::Empty { what });
        }
        Ok(Self { what, dims: tensor.dims().to_vec(), values })
    }

    /// Of values that are numbers, infinite ones too.
    pub(super) fn numbers<const D: usize>(
        what: &'static str,
        tensor: &Tensor<D>,
    ) -> Result<Self, CalibrationError> {
        let read = Self::any(what, tensor)?;
        read.check(|value| !value.is_nan(), |at, _| CalibrationError::NotANumber { what, at })
    }

    /// Of finite values.
    pub(super) fn finite<const D: usize>(
        what: &'static str,
        tensor: &Tensor<D>,
    ) -> Result<Self, CalibrationError> {
        let read = Self::any(what, tensor)?;
        read.check(f64::is_finite, |at, value| CalibrationError::NotFinite { what, at, value })
    }

    /// Of positive and finite values.
    pub(super) fn positive<const D: usize>(
        what: &'static str,
        tensor: &Tensor<D>,
    ) -> Result<Self, CalibrationError> {
        let read = Self::any(what, tensor)?;
        read.check(
            |value| value > 0.0 && value.is_finite(),
            |at, value| CalibrationError::NotPositive { what, at, value },
        )
    }

    fn check(
        self,
        holds: impl Fn(f64) -> bool,
        error: impl Fn(Vec<usize>, f64) -> CalibrationError,
    ) -> Result<Self, CalibrationError> {
        match self.values.iter().position(|&value| !holds(value)) {
            Some(place) => Err(error(index_of(place, &self.dims), self.values[place])),
            None => Ok(self),
        }
    }

    /// Draws of equal dims, each read as `read` does, value by value: all of the first value, then of
    /// the next. The dims are those of a draw.
    pub(super) fn draws<const D: usize>(
        what: &'static str,
        draws: &[Tensor<D>],
        read: fn(&'static str, &Tensor<D>) -> Result<Self, CalibrationError>,
    ) -> Result<Self, CalibrationError> {
        let read_one = |(k, draw): (usize, &Tensor<D>)| read(what, draw).map_err(|e| e.of_draw(k));
        let read = draws.iter().enumerate().map(read_one).collect::<Result<Vec<_>, _>>()?;
        let Some(first) = read.first() else { return Err(CalibrationError::Empty { what }) };
        for draw in &read {
            draw.expect_dims(&first.dims);
        }
        let of_value = |n: usize| read.iter().map(move |draw| draw.values[n]);
        let values = (0..first.values.len()).flat_map(of_value).collect();
        Ok(Self { what, dims: first.dims.clone(), values })
    }

    /// # Panics
    ///
    /// If the dims are others.
    pub(super) fn expect_dims(&self, dims: &[usize]) {
        assert!(
            self.dims == dims,
            "calibration: {} must have dims {dims:?}, got {:?}",
            self.what,
            self.dims
        );
    }
}

impl CalibrationError {
    /// The same of a draw of several.
    fn of_draw(mut self, draw: usize) -> Self {
        if let Self::NotFinite { at, .. } | Self::NotPositive { at, .. } = &mut self {
            at.insert(0, draw);
        }
        self
    }
}

/// Observed classes, of predictions of these dims, the classes last.
///
/// # Panics
///
/// If the classes have other dims than the predictions without their last.
pub(super) fn read_classes<const R: usize>(
    classes: &Tensor<R, Int>,
    dims: &[usize],
) -> Result<Vec<usize>, CalibrationError> {
    let (&n_classes, places) = dims.split_last().expect("a tensor has a dim");
    assert!(
        classes.dims()[..] == *places,
        "calibration: classes must have dims {places:?}, got {:?}",
        classes.dims()
    );
    let class = |(place, class): (usize, i64)| {
        usize::try_from(class).ok().filter(|&class| class < n_classes).ok_or_else(|| {
            CalibrationError::Class { at: index_of(place, places), n_classes, class }
        })
    };
    classes.to_data().iter::<i64>().enumerate().map(class).collect()
}

/// The index in a tensor of these dims of a place in its values.
pub(super) fn index_of(mut place: usize, dims: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = dims
        .iter()
        .rev()
        .map(|&dim| {
            let at = place % dim;
            place /= dim;
            at
        })
        .collect();
    index.reverse();
    index
}
