//! What a worker's tasks share: one value of each type.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::error::Error;

/// Values by their type. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct States(Arc<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl States {
    /// Keeps a value, in place of one of the same type.
    pub(crate) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        Arc::make_mut(&mut self.0).insert(TypeId::of::<T>(), Arc::new(value));
    }

    pub(crate) fn get<T: Send + Sync + 'static>(&self) -> Result<Arc<T>, Error> {
        let value = self.0.get(&TypeId::of::<T>()).cloned();
        value.and_then(|value| value.downcast().ok()).ok_or_else(|| {
            let name = type_name::<T>();
            Error::MissingState(format!(
                "the worker has no state of the type {name}: give it one with Worker::state before it starts"
            ))
        })
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} values", self.0.len())
    }
}
