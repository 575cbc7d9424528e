//! The module tree of the fixed-point file: names and nesting of the fake-quant file.

use super::copy;
use super::error::ConvertError;
use super::leaf::{Leaf, stub};
use super::lower::Lowering;
use super::read::Module;
use crate::archive::pickle;
use crate::emit::{Method, ObjectId};
use rustc_hash::FxHashMap;

/// Nesting of modules that is written.
const MAX_DEPTH: usize = 64;

/// Classes of modules that are not called.
const IDENTITY: &str = "__torch__.torch.nn.modules.linear.Identity";

/// Makes the root object, with a `forward` if there is one.
pub(super) fn build(low: &mut Lowering, forward: Option<Method>) -> Result<ObjectId, ConvertError> {
    let mut tree = Tree {
        done: FxHashMap::default(),
        forward,
    };
    let root = low.root.clone();
    tree.module(low, &root, 0)
}

struct Tree {
    done: FxHashMap<pickle::ObjectId, ObjectId>,
    /// The root's method, until it is used.
    forward: Option<Method>,
}

impl Tree {
    fn module<'m>(
        &mut self,
        low: &mut Lowering<'m>,
        module: &Module<'m>,
        depth: usize,
    ) -> Result<ObjectId, ConvertError> {
        if depth > MAX_DEPTH {
            return Err(module.refuse(format!("modules nest deeper than {MAX_DEPTH} levels")));
        }
        if let Some(made) = low.objects.get(&module.id) {
            return Ok(made.object);
        }
        if let Some(done) = self.done.get(&module.id) {
            return Ok(*done);
        }
        let is_leaf = module.plain_class() == IDENTITY || module.leaf_class().is_some();
        let object = match is_leaf {
            true => stub::identity(&mut low.emit)?,
            false => self.container(low, module, depth)?,
        };
        self.done.insert(module.id, object);
        Ok(object)
    }

    fn container<'m>(
        &mut self,
        low: &mut Lowering<'m>,
        module: &Module<'m>,
        depth: usize,
    ) -> Result<ObjectId, ConvertError> {
        let mut leaf = Leaf::named(&module.plain_class());
        if depth == 0
            && let Some(forward) = self.forward.take()
        {
            leaf.method(forward);
        }
        let class = low.model.program.class(&module.class());
        for (name, _) in module.attributes() {
            if let Some(child) = module.child(&name) {
                let child = self.module(low, &child, depth + 1)?;
                leaf.child(&low.emit, &name, child);
                continue;
            }
            let Some(attribute) = copy::declared(class, &name) else {
                continue;
            };
            if copy::is_implied(&name) {
                continue;
            }
            let value = copy::attribute_value(&mut low.emit, module, &name)?;
            leaf.with(
                &name,
                &attribute.ty.to_string(),
                copy::role(attribute),
                value,
            );
        }
        leaf.finish(&mut low.emit)
    }
}
