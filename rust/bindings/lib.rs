//! `fulcra._core`: views of Python's arrays, one call into `fulcra-core`, results wrapped. No arithmetic.

mod cluster;
mod convert;
mod errors;
mod linear_model;
mod metrics;
mod neighbors;
mod run;

/// The compiled half of fulcra.
#[pyo3::pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use crate::cluster::bisecting::{BisectingFit, bisecting_fit, bisecting_predict};
    #[pymodule_export]
    use crate::cluster::fuzzy::{FuzzyFit, fuzzy_fit, fuzzy_memberships};
    #[pymodule_export]
    use crate::cluster::mahalanobis::{
        MahalanobisFit, mahalanobis_distances, mahalanobis_factors, mahalanobis_fit, mahalanobis_label,
    };
    #[pymodule_export]
    use crate::cluster::medians::{kmedians_distances, kmedians_fit, kmedians_loss, kmedians_predict};
    #[pymodule_export]
    use crate::cluster::medoids::{
        KMedoidsFit, distance_flaw, distinct_rows, kmedoids_assign, kmedoids_fit, pairwise_distances,
    };
    #[pymodule_export]
    use crate::cluster::minibatch::{MiniBatchFit, mean_variance, minibatch_fit, minibatch_label, minibatch_step};
    #[pymodule_export]
    use crate::cluster::online::online_update;
    #[pymodule_export]
    use crate::cluster::spherical::{spherical_distances, spherical_loss, spherical_predict, unit_rows};
    #[pymodule_export]
    use crate::cluster::{
        KMeansFit, kmeans_diagnose, kmeans_distances, kmeans_fit, kmeans_inertia, kmeans_plusplus, kmeans_predict,
    };
    #[pymodule_export]
    use crate::errors::{NonFiniteError, SingularError};
    #[pymodule_export]
    use crate::linear_model::descent::descent_gradient;
    #[pymodule_export]
    use crate::linear_model::lasso::{ElasticNetFit, elastic_net, lasso_alpha_max};
    #[pymodule_export]
    use crate::linear_model::leave_one_out::ridge_leave_one_out;
    #[pymodule_export]
    use crate::linear_model::logistic::logistic;
    #[pymodule_export]
    use crate::linear_model::logistic_l1::{LogisticL1Fit, logistic_l1};
    #[pymodule_export]
    use crate::linear_model::moments::{LinearMoments, linear_moments};
    #[pymodule_export]
    use crate::linear_model::permuted::permuted_squares;
    #[pymodule_export]
    use crate::linear_model::poisson::{PoissonFit, poisson_fit};
    #[pymodule_export]
    use crate::linear_model::sgd::{SgdFit, sgd_fit};
    #[pymodule_export]
    use crate::linear_model::{LinearFit, least_squares, linear_predict, ridge};
    #[pymodule_export]
    use crate::metrics::{cluster_scatter, silhouette_samples};
    #[pymodule_export]
    use crate::neighbors::class_centroids;
    #[pymodule_export]
    use crate::run::{get_num_threads, set_num_threads, simd_level};
}
