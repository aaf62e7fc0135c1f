//! The float parameters of a module, by path.

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

/// The container that Burn names where it enters what a parameter carries.
const CARRIED: &str = "Reparameterization";

/// Where in a module a parameter is.
pub(crate) struct Place<'a> {
    /// The names on the way to it, its own last.
    path: &'a [String],
    /// What Burn's derive calls the module that has it.
    pub(crate) container: &'a str,
}

impl Place<'_> {
    pub(crate) fn path(&self) -> String {
        self.path.join(".")
    }

    /// The path of the module that has it.
    pub(crate) fn module_path(&self) -> String {
        self.path[..self.path.len() - 1].join(".")
    }
}

/// What is done with each float parameter of a module, whatever its rank.
pub(crate) trait EachFloat {
    fn float<const D: usize>(&mut self, place: &Place<'_>, param: &Param<Tensor<D>>);

    /// The name of the transform that the parameter before carries.
    fn carried(&mut self, _transform: &str) {}
}

/// Does it, in the order of the fields.
pub(crate) fn each_float<M: Module, E: EachFloat>(module: &M, each: &mut E) {
    module.visit(&mut Walk { path: Vec::new(), container: String::new(), each });
}

struct Walk<'a, E> {
    path: Vec<String>,
    /// Of the field that was entered last.
    container: String,
    each: &'a mut E,
}

impl<E: EachFloat> ModuleVisitor for Walk<'_, E> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        if container_type == CARRIED {
            self.each.carried(name);
        }
        self.path.push(name.to_string());
        self.container = container_type.to_string();
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
        self.container.clear();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.each.float(&Place { path: &self.path, container: &self.container }, param);
    }
}

/// A float parameter of a module.
pub(crate) struct Parameter {
    pub(crate) path: String,
    pub(crate) id: ParamId,
    pub(crate) dims: Vec<usize>,
    /// The name of the transform that it carries.
    pub(crate) carries: Option<String>,
}

impl Parameter {
    pub(crate) fn is_weight(&self) -> bool {
        self.dims.len() >= 2
    }

    pub(crate) fn is_bias(&self) -> bool {
        self.dims.len() == 1 && self.path.rsplit('.').next() == Some("bias")
    }
}

/// The float parameters of a module.
pub(crate) fn parameters<M: Module>(module: &M) -> Vec<Parameter> {
    let mut list = List(Vec::new());
    each_float(module, &mut list);
    list.0
}

struct List(Vec<Parameter>);

impl EachFloat for List {
    fn float<const D: usize>(&mut self, place: &Place<'_>, param: &Param<Tensor<D>>) {
        let (path, dims) = (place.path(), param.lazy_shape().to_vec());
        self.0.push(Parameter { path, id: param.id, dims, carries: None });
    }

    fn carried(&mut self, transform: &str) {
        let parameter = self.0.last_mut().expect("a transform comes after its parameter");
        parameter.carries = Some(transform.to_string());
    }
}
