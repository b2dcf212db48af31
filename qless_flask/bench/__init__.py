"""What a life of a job costs on any backend; on Redis beside a bare script that only moves it."""
