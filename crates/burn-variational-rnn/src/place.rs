//! Where the parameters of a module are, and of which float type.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use burn_variational_dropout::SequenceExtent;

/// The same extent on the device and in the float type of a module's parameters, which its masks
/// multiply; as it is where there is none.
pub(crate) fn like_parameters<M: Module>(module: &M, extent: &SequenceExtent) -> SequenceExtent {
    struct First<'a>(&'a SequenceExtent, Option<SequenceExtent>);
    impl ModuleVisitor for First<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.1.get_or_insert_with(|| {
                let value = param.val();
                SequenceExtent::new(self.0.batch_size(), self.0.seq_length(), &value.device())
                    .with_dtype(value.dtype().into())
            });
        }
    }
    let mut first = First(extent, None);
    module.visit(&mut first);
    first.1.unwrap_or_else(|| extent.clone())
}
