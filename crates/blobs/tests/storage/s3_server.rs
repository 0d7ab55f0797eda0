//! A real S3 protocol server over a folder, on a free port, that asks for signed requests.

use std::path::Path;
use std::sync::Mutex;
use std::time::SystemTime;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::dto;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Request, S3Response, S3Result};
use tokio::task::JoinHandle;

pub(crate) const KEY: &str = "test-key";
pub(crate) const SECRET: &str = "test-secret";

/// Starts the server; every folder in `root` is a bucket. Answers its address and the task that serves.
pub(crate) async fn start(root: &Path) -> (String, JoinHandle<()>) {
    let service = service(root, true);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
    let server = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                // A client that goes away is no fault of the server's.
                let _ =
                    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    (url, server)
}

/// What answers the requests, for whoever has the key or for everybody.
pub(crate) fn service(root: &Path, asks_for_key: bool) -> S3Service {
    let files = s3s_fs::FileSystem::new(root).expect("the folder exists");
    let mut builder = S3ServiceBuilder::new(Files { files, unfinished: Mutex::default() });
    if asks_for_key {
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
    }
    builder.build()
}

/// The file system of `s3s-fs`, which in addition tells which uploads in parts nobody finished.
struct Files {
    files: s3s_fs::FileSystem,
    unfinished: Mutex<Vec<dto::MultipartUpload>>,
}

impl Files {
    fn forget(&self, upload_id: &str) {
        let is_it = |upload: &dto::MultipartUpload| upload.upload_id.as_deref() == Some(upload_id);
        self.unfinished.lock().expect("no panic holds it").retain(|upload| !is_it(upload));
    }
}

/// Operations that the file system does alone.
macro_rules! passed_on {
    ($($operation:ident: $input:ident => $output:ident),+ $(,)?) => {
        #[async_trait::async_trait]
        impl S3 for Files {
            $(async fn $operation(&self, request: S3Request<dto::$input>) -> S3Result<S3Response<dto::$output>> {
                self.files.$operation(request).await
            })+

            async fn create_multipart_upload(
                &self,
                request: S3Request<dto::CreateMultipartUploadInput>,
            ) -> S3Result<S3Response<dto::CreateMultipartUploadOutput>> {
                let response = self.files.create_multipart_upload(request).await?;
                self.unfinished.lock().expect("no panic holds it").push(dto::MultipartUpload {
                    initiated: Some(SystemTime::now().into()),
                    key: response.output.key.clone(),
                    upload_id: response.output.upload_id.clone(),
                    ..Default::default()
                });
                Ok(response)
            }

            async fn complete_multipart_upload(
                &self,
                request: S3Request<dto::CompleteMultipartUploadInput>,
            ) -> S3Result<S3Response<dto::CompleteMultipartUploadOutput>> {
                let upload_id = request.input.upload_id.clone();
                let response = self.files.complete_multipart_upload(request).await?;
                self.forget(&upload_id);
                Ok(response)
            }

            async fn abort_multipart_upload(
                &self,
                request: S3Request<dto::AbortMultipartUploadInput>,
            ) -> S3Result<S3Response<dto::AbortMultipartUploadOutput>> {
                let upload_id = request.input.upload_id.clone();
                let response = self.files.abort_multipart_upload(request).await?;
                self.forget(&upload_id);
                Ok(response)
            }

            /// One upload a page, so that whoever reads them all has to turn pages.
            async fn list_multipart_uploads(
                &self,
                request: S3Request<dto::ListMultipartUploadsInput>,
            ) -> S3Result<S3Response<dto::ListMultipartUploadsOutput>> {
                let input = request.input;
                let prefix = input.prefix.unwrap_or_default();
                let place = |upload: &dto::MultipartUpload| (upload.key.clone(), upload.upload_id.clone());
                let after = (input.key_marker, input.upload_id_marker);
                let mut found = self.unfinished.lock().expect("no panic holds it").clone();
                found.sort_by_key(place);
                found.retain(|upload| {
                    upload.key.as_deref().is_some_and(|key| key.starts_with(&prefix))
                        && (after.0.is_none() || place(upload) > after)
                });
                let is_truncated = found.len() > 1;
                found.truncate(1);
                let (next_key_marker, next_upload_id_marker) =
                    found.last().filter(|_| is_truncated).map(place).unwrap_or_default();
                Ok(S3Response::new(dto::ListMultipartUploadsOutput {
                    bucket: Some(input.bucket),
                    is_truncated: Some(is_truncated),
                    next_key_marker,
                    next_upload_id_marker,
                    uploads: Some(found),
                    ..Default::default()
                }))
            }
        }
    };
}

passed_on! {
    put_object: PutObjectInput => PutObjectOutput,
    get_object: GetObjectInput => GetObjectOutput,
    head_object: HeadObjectInput => HeadObjectOutput,
    delete_object: DeleteObjectInput => DeleteObjectOutput,
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output,
    upload_part: UploadPartInput => UploadPartOutput,
}
