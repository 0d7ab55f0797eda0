//! Lists of jobs as people ask for them: a search for a text goes on until its page is worth showing.

use std::time::{Duration, Instant};

use crate::backend::{JobQuery, Page};
use crate::client::Client;
use crate::error::BackendError;
use crate::id::JobId;
use crate::job::Job;

/// For how long one search for a text looks through further jobs to fill its page.
const SEARCH_PATIENCE: Duration = Duration::from_millis(500);

impl Client {
    /// A page of jobs, newest first, as [`Backend::list_jobs`](crate::Backend::list_jobs) gives it. With a text the search goes
    /// on over several of its pages until this one is full, there are no further jobs, or half a second is over; and when the
    /// text is a whole id, that job stands first on the first page, however old it is.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn list_jobs(&self, query: JobQuery) -> Result<Page<Job>, BackendError> {
        let Some(text) = &query.text else { return self.backend().list_jobs(query).await };
        let (is_first, limit) = (query.cursor.is_none(), query.limit);
        // A page with a single job would have no room for a place to go on from.
        let named: Option<JobId> = text.parse().ok().filter(|_| limit > 1);
        let began = Instant::now();
        let mut items = match named {
            Some(id) if is_first => self.find_named(id, &query).await?,
            _ => Vec::new(),
        };
        let mut query = query;
        let next = loop {
            query.limit = limit.saturating_sub(items.len());
            let page = self.backend().list_jobs(query.clone()).await?;
            items.extend(page.items.into_iter().filter(|job| Some(job.id) != named));
            match page.next {
                Some(next) if items.len() < limit && began.elapsed() < SEARCH_PATIENCE => {
                    query.cursor = Some(next);
                }
                next => break next,
            }
        };
        Ok(Page { total: items.len() as u64, total_is_capped: next.is_some() || !is_first, items, next })
    }

    /// The job with this id, if the other filters admit it.
    async fn find_named(&self, id: JobId, query: &JobQuery) -> Result<Vec<Job>, BackendError> {
        let narrowed = JobQuery { ids: Some((id, id)), text: None, limit: 1, ..query.clone() };
        Ok(self.backend().list_jobs(narrowed).await?.items)
    }
}
