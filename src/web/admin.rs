//! The admin listener: numbers for whoever watches the machine. It belongs on loopback or behind a tunnel.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use metrics_exporter_prometheus::PrometheusHandle;

use super::public::Answer;

/// Text format 0.0.4 of Prometheus, which every scraper reads.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn handler(
    metrics: Option<PrometheusHandle>,
) -> impl Fn(Request<Incoming>) -> Answer + Clone + Send + Sync + 'static {
    let routes = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(move || show(metrics.clone())));
    let service = TowerToHyperService::new(routes);
    move |request| {
        let answer = service.call(request.map(Body::new));
        Box::pin(async move {
            let answer: Result<Response<Body>, Infallible> = answer.await;
            answer
        })
    }
}

async fn show(metrics: Option<PrometheusHandle>) -> Response<Body> {
    let Some(metrics) = metrics else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // Histograms are drained when somebody looks, so they need no timer of their own.
    metrics.run_upkeep();
    ([(header::CONTENT_TYPE, EXPOSITION)], metrics.render()).into_response()
}
